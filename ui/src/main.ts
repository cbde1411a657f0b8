import './style.css';

import { mount } from 'svelte';

import App from './App.svelte';
import { backend } from './backend';

const target = document.getElementById('app');
if (target) mount(App, { target, props: { backend } });
